using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Porthole.Server.Store.Migrations
{
    /// <inheritdoc />
    public partial class AnswersOfTokens : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.RenameColumn(
                name: "ResourceId",
                table: "ClientTokens",
                newName: "Answer");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.RenameColumn(
                name: "Answer",
                table: "ClientTokens",
                newName: "ResourceId");
        }
    }
}
